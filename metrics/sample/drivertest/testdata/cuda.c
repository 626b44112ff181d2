/* A made-up libcuda.so.1, for what dlbench asks of CUDA's driver: which card a process sees, and one
 * kernel. Nothing of NVIDIA's code is in it; types follow cuda.h's ABI. The card is the first of
 * CUDA_VISIBLE_DEVICES, and its memory the process's own.
 *
 * MADEUP_CUDA is a comma-separated list:
 *   NAME=CODE   the function cuNAME answers CODE: Init=999, ModuleLoadData=221
 *   wrong       the kernel computes something else
 *   other       the card has another UUID than the one that was asked for
 *   cards=N     the process sees N cards
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult;
typedef unsigned long long CUdeviceptr;

static long option(const char *name, long otherwise) {
    const char *all = getenv("MADEUP_CUDA"), *p = all;
    size_t n = strlen(name);
    while (p && *p) {
        const char *end = strchr(p, ',');
        size_t whole = end ? (size_t)(end - p) : strlen(p);
        if (!strncmp(p, name, n) && (whole == n || p[n] == '='))
            return whole == n ? 1 : strtol(p + n + 1, 0, 0);
        p = end ? end + 1 : p + whole;
    }
    return otherwise;
}

#define ANSWER(name)                         \
    do {                                     \
        long code_ = option(name, 0);        \
        if (code_) return (CUresult)code_;   \
    } while (0)

CUresult cuInit(unsigned flags) {
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    (void)flags;
    ANSWER("Init");
    return visible && strlen(visible) < 40 ? 100 : 0; /* CUDA_ERROR_NO_DEVICE */
}
CUresult cuDriverGetVersion(int *version) { *version = (int)option("version", 13000); return 0; }
CUresult cuGetErrorName(CUresult code, const char **text) { *text = code == 999 ? "CUDA_ERROR_UNKNOWN" : "CUDA_ERROR_MADE_UP"; return 0; }
CUresult cuGetErrorString(CUresult code, const char **text) { (void)code; *text = "as the test asked"; return 0; }
CUresult cuDeviceGetCount(int *n) { ANSWER("DeviceGetCount"); *n = (int)option("cards", 1); return 0; }
CUresult cuDeviceGet(int *device, int n) { ANSWER("DeviceGet"); *device = n; return n < option("cards", 1) ? 0 : 101; }
CUresult cuDeviceGetName(char *name, int room, int device) {
    (void)device;
    ANSWER("DeviceGetName");
    snprintf(name, (size_t)room, "Made-up card");
    return 0;
}
CUresult cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    const char *text = getenv("CUDA_VISIBLE_DEVICES");
    ANSWER("DeviceGetUuid");
    if (!text || strlen(text) < 40) return 100;
    text += 4; /* GPU-, or MIG- */
    for (int i = 0; i < 16; i++, text += 2) {
        unsigned byte = 0;
        if (*text == '-') text++;
        sscanf(text, "%2x", &byte);
        uuid[i] = (unsigned char)byte;
    }
    if (option("other", 0) || device) uuid[15] ^= 0xff;
    return 0;
}
CUresult cuDeviceGetUuid(unsigned char *uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }
CUresult cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == 75 ? 9 : 0;
    return 0;
}
CUresult cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; ANSWER("DevicePrimaryCtxRetain"); *context = context; return 0; }
CUresult cuCtxSetCurrent(void *context) { ANSWER("CtxSetCurrent"); return context ? 0 : 201; }
CUresult cuMemGetInfo_v2(size_t *left, size_t *total) { ANSWER("MemGetInfo"); *left = (size_t)79 << 30; *total = (size_t)80 << 30; return 0; }
CUresult cuModuleLoadData(void **module, const void *image) {
    ANSWER("ModuleLoadData");
    if (!strstr((const char *)image, ".entry add_index")) return 218; /* CUDA_ERROR_INVALID_PTX */
    *module = module;
    return 0;
}
CUresult cuModuleGetFunction(void **function, void *module, const char *name) {
    ANSWER("ModuleGetFunction");
    *function = module;
    return strcmp(name, "add_index") ? 500 : 0; /* CUDA_ERROR_NOT_FOUND */
}
CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes) {
    ANSWER("MemAlloc");
    *pointer = (CUdeviceptr)(uintptr_t)malloc(bytes);
    return *pointer ? 0 : 2;
}
CUresult cuMemFree_v2(CUdeviceptr pointer) { free((void *)(uintptr_t)pointer); return 0; }
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) { ANSWER("MemcpyHtoD"); memcpy((void *)(uintptr_t)to, from, bytes); return 0; }
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) { ANSWER("MemcpyDtoH"); memcpy(to, (void *)(uintptr_t)from, bytes); return 0; }
CUresult cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **arguments, void **extra) {
    uint32_t *array = (uint32_t *)(uintptr_t)*(CUdeviceptr *)arguments[0], length = *(uint32_t *)arguments[1];
    (void)function, (void)gy, (void)gz, (void)by, (void)bz, (void)shared, (void)stream, (void)extra;
    ANSWER("LaunchKernel");
    for (uint32_t i = 0; i < gx * bx && i < length; i++) array[i] += option("wrong", 0) ? 0 : i;
    return 0;
}
CUresult cuCtxSynchronize(void) { ANSWER("CtxSynchronize"); return 0; }
