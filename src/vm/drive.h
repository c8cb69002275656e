/* Between the verbs (vm.c) and the drive loop (driver.c). */
#ifndef JV_VM_DRIVE_H
#define JV_VM_DRIVE_H

#include "vm/vm.h"

/* Runs until the bottom entry of the drive has ended, the VM pauses, or an error stops it. */
javm_status jv_drive(javm_vm *vm, javm_result *result, javm_error *error);
/* Says in the result why the VM is paused: by the Reference on top. */
void jv_report_pause(javm_vm *vm, javm_result *result);

#endif
