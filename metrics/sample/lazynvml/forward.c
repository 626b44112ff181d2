/* NVML's functions, each handed on to the library that go-nvml opened with RTLD_GLOBAL: lazynvml.go
 * says why. */
#define _GNU_SOURCE
#include <dlfcn.h>

enum { FUNCTION_NOT_FOUND = 13 }; /* NVML_ERROR_FUNCTION_NOT_FOUND */

/* NVML's functions take at most six integers or pointers, which calling conventions pass in
 * registers, and return a code. What a function does not take is handed on as it lies there. */
typedef int function(long, long, long, long, long, long);

/* Hidden: the library's own calls of its functions must not come here. */
#define NVML(name)                                                                  \
    __attribute__((visibility("hidden"))) int name(long a, long b, long c, long d, long e, long f) { \
        function *own = (function *)dlsym(RTLD_DEFAULT, #name);                     \
        return own ? own(a, b, c, d, e, f) : FUNCTION_NOT_FOUND;                    \
    }
#include "functions.h"

__attribute__((visibility("hidden"))) const char *nvmlErrorString(int code) {
    const char *(*own)(int) = (const char *(*)(int))dlsym(RTLD_DEFAULT, "nvmlErrorString");
    return own ? own(code) : "no text: the library lacks nvmlErrorString";
}
