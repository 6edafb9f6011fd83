# race.asm with the sync that it lacks: y = x w, x [8, 8] u8, w [8, 8] s8, y int32.
#
#   systole check docs/isa-examples/race_mended.asm
#   systole run docs/isa-examples/race_mended.asm --listing
#
# Look at `start` of the matmul: one cycle after the end of the read_host, when others see that it
# is complete.
# Cycles: 220
.model "race_mended"
.batch 8
.weight_bytes 64
.machine base = "tiny_8"

.let x = 0
.let y = 64
.host_bytes y+8*32
.tensor "x" type=uint8 shape=[8, 8] role=input address=x
.tensor "y" type=int32 shape=[8, 8] role=output address=y
.weights +v8E/AEG/gP9Avr/BPwBBgAF/QL6/wT8A/sABf0C+v8G/gP7AAX9AvwBBv4D+wAF
.weights /wT8AQb+A/sC+v8E/AEG/g==

.let x_rows = 0                # of the unified buffer
.let y_rows = 8

        read_weights dram=0, k=8, n=8, is_signed=1, zero=0
load:   read_host host=x, stride=8, ub=x_rows, rows=8, bytes=8
        sync unit=matrix, after=load, why=raw
pass:   matmul ub=x_rows, acc=0, rows=8, k=8, n=8, switch_tile=1, precision=int8
        sync unit=activation, after=pass, why=raw
done:   activate acc=0, ub=y_rows, rows=8, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done, why=raw
        write_host host=y, stride=32, ub=y_rows, rows=8, bytes=32
        halt
