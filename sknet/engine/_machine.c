/* The machine that replays recorded training steps. So far it only tells its version. */

#include <stdint.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

/* The number that sknet/engine/library.py expects; it changes with every interface. */
EXPORTED int64_t sknet_machine_version(void);

int64_t sknet_machine_version(void) { return 1; }
