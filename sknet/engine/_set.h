/* Everything that exists once for each type and instruction set. */

#include "_kernels.h"
#include "_interpreter.h"
