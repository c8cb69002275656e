/* Random values of each kind, of any content, and random parts of an Instance to prove. */
#ifndef JAVM_TESTS_RANDOM_VALUES_H
#define JAVM_TESTS_RANDOM_VALUES_H

#include "cap/cap.h"

javm_cap *random_data(javm_dir *dir, uint32_t max_pages);
/* Nested at most `depth` deep. */
javm_cap *random_cnode(javm_dir *dir, unsigned depth);
javm_cap *random_image(javm_dir *dir);
javm_cap *random_type(javm_dir *dir);
/* paused: with a Continuation (1), or with a Frame, as an entry of one (2). */
javm_cap *random_instance(javm_dir *dir, int paused);
javm_cap *random_continuation(javm_dir *dir);
javm_cap *random_frame(javm_dir *dir);

/* A part that the Instance has. */
javm_target random_target(const javm_cap *instance);

#endif
