/* Makes a workload the endpoint 0 of an Image. */
#include <javm.h>

#include "workload.h"

JAVM_ENDPOINT(0, workload);
