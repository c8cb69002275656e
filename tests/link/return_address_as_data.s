# A return address can be stored and used later.
# returns: 5
        .globl _start
_start: mv s1, ra
        call save
        beqz a0, 1f
        li a0, 5
        jr s1
1:      li a0, 1
        jr s0
save:   mv s0, ra
        li a0, 0
        ret
