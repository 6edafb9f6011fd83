# Double buffering by hand: y = x w in four blocks of eight rows, x [32, 8] u8, w [8, 8] s8, y int32.
# Inputs, sums and results each have two places. While the matrix unit works on a block from one
# place, the next block is loaded into the other; so it is with the sums and the results. A sync
# that says `raw` waits until data are there, one that says `war` until a place is free again.
#
#   systole run docs/isa-examples/double_buffer.asm --listing
#
# Look at the third read_host, of block 2: it starts in cycle 121, one cycle after the end of pass0,
# which had its place; the activate and the write_host of block 0 end later, in 156 and 242.
# Cycles: 404
.model "double_buffer"
.batch 32
.weight_bytes 64
.machine base = "tiny_8"

# Host memory: x, then y.
.let rows = 8                  # of a block
.let x = 0
.let x_block = rows*8          # bytes
.let y = 4*x_block
.let y_block = rows*32
.host_bytes y+4*y_block
.tensor "x" type=uint8 shape=[4*rows, 8] role=input address=x
.tensor "y" type=int32 shape=[4*rows, 8] role=output address=y
.weights +v8E/AEG/gP9Avr/BPwBBgAF/QL6/wT8A/sABf0C+v8G/gP7AAX9AvwBBv4D+wAF
.weights /wT8AQb+A/sC+v8E/AEG/g==

# The unified buffer, in rows of 8 bytes: a row of x takes one, a row of y (8 int32) four.
.let x_even = 0
.let x_odd = x_even + rows
.let y_even = x_odd + rows
.let y_odd = y_even + 4*rows
# Accumulators.
.let even = 0
.let odd = rows

        read_weights dram=0, k=8, n=8, is_signed=1, zero=0
load0:  read_host host=x, stride=8, ub=x_even, rows=rows, bytes=8
load1:  read_host host=x + x_block, stride=8, ub=x_odd, rows=rows, bytes=8

        # Block 0. Only its pass switches to the tile; the others find it there.
        sync unit=matrix, after=load0, why=raw
pass0:  matmul ub=x_even, acc=even, rows=rows, k=8, n=8, switch_tile=1, precision=int8
        sync unit=activation, after=pass0, why=raw
done0:  activate acc=even, ub=y_even, rows=rows, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done0, why=raw
store0: write_host host=y, stride=32, ub=y_even, rows=rows, bytes=32

        # Block 1, in the odd places.
        sync unit=matrix, after=load1, why=raw
pass1:  matmul ub=x_odd, acc=odd, rows=rows, k=8, n=8, precision=int8
        sync unit=activation, after=pass1, why=raw
done1:  activate acc=odd, ub=y_odd, rows=rows, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done1, why=raw
store1: write_host host=y + y_block, stride=32, ub=y_odd, rows=rows, bytes=32

        # Block 2, in the even places again: its input may come once pass0 has read block 0, its sums
        # once done0 has taken those, its results once store0 has sent those.
        sync unit=dma_in, after=pass0, why=war
load2:  read_host host=x + 2*x_block, stride=8, ub=x_even, rows=rows, bytes=8
        sync unit=matrix, after=load2, why=raw
        sync unit=matrix, after=done0, why=war
pass2:  matmul ub=x_even, acc=even, rows=rows, k=8, n=8, precision=int8
        sync unit=activation, after=pass2, why=raw
        sync unit=activation, after=store0, why=war
done2:  activate acc=even, ub=y_even, rows=rows, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done2, why=raw
        write_host host=y + 2*y_block, stride=32, ub=y_even, rows=rows, bytes=32

        # Block 3, in the odd places again.
        sync unit=dma_in, after=pass1, why=war
load3:  read_host host=x + 3*x_block, stride=8, ub=x_odd, rows=rows, bytes=8
        sync unit=matrix, after=load3, why=raw
        sync unit=matrix, after=done1, why=war
pass3:  matmul ub=x_odd, acc=odd, rows=rows, k=8, n=8, precision=int8
        sync unit=activation, after=pass3, why=raw
        sync unit=activation, after=store1, why=war
done3:  activate acc=odd, ub=y_odd, rows=rows, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done3, why=raw
        write_host host=y + 3*y_block, stride=32, ub=y_odd, rows=rows, bytes=32
        halt
