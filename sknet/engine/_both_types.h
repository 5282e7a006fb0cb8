/* Everything that exists once for each type, for one instruction set. */

#define REAL float
#define REAL_IS_DOUBLE 0
#define SET PASTE(INSTRUCTIONS, float)
#include "_kernels.h"
#include "_interpreter.h"
#undef SET
#undef REAL
#undef REAL_IS_DOUBLE

#define REAL double
#define REAL_IS_DOUBLE 1
#define SET PASTE(INSTRUCTIONS, double)
#include "_kernels.h"
#include "_interpreter.h"
#undef SET
#undef REAL
#undef REAL_IS_DOUBLE

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef USE_FMA
