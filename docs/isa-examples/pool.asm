# Pools: windows of 2 x 2, stride 2, over a map of 8 x 8 pixels with 8 channels: their largest
# elements, and their means. x [64, 8] u8, largest and mean [16, 8] u8.
# The vector unit works from registers that `set` writes: a mean is the sum of (a - a_zero) times
# a_scale / (to_scale * count), rounded half to even, + to_zero, saturated into [lo, hi].
#
#   systole run docs/isa-examples/pool.asm --listing
#
# Look at both pools: the first takes 67 cycles from start to end, for the 64 rows that it reads
# through the one read port; the second 16 more, as the write_host of the first's 16 rows goes on
# beside it and reads through the same port.
# Cycles: 361
.model "pool"
.batch 64
.weight_bytes 0
.machine base = "tiny_8"

.let c = 8
.let x = 0
.let largest = 64*c
.let mean = largest + 16*c
.host_bytes mean+16*c
.tensor "x" type=uint8 shape=[64, c] role=input address=x
.tensor "largest" type=uint8 shape=[16, c] role=output address=largest
.tensor "mean" type=uint8 shape=[16, c] role=output address=mean

.let map = 0                   # of the unified buffer
.let largest_rows = 64
.let mean_rows = largest_rows + 16
.let one = 1065353216          # 0x3F800000: the bits of 1.0 in binary32

load:   read_host host=x, stride=c, ub=map, rows=64, bytes=c
        set unit=vector, index=lo, value=0
        set unit=vector, index=hi, value=255
        set unit=vector, index=a_scale, value=one
        set unit=vector, index=to_scale, value=one
        sync unit=vector, after=load, why=raw
top:    pool op=max, type=u8, ub=map, to=largest_rows, n=c, in_height=8, in_width=8, out_height=4, out_width=4, kernel_y=2, kernel_x=2, stride_y=2, stride_x=2
        sync unit=dma_out, after=top, why=raw
        write_host host=largest, stride=c, ub=largest_rows, rows=16, bytes=c
middle: pool op=average, type=u8, ub=map, to=mean_rows, n=c, in_height=8, in_width=8, out_height=4, out_width=4, kernel_y=2, kernel_x=2, stride_y=2, stride_x=2
        sync unit=dma_out, after=middle, why=raw
        write_host host=mean, stride=c, ub=mean_rows, rows=16, bytes=c
        halt
