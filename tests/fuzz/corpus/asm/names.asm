# A repeat: y = x w in eight blocks of eight rows, x [64, 8] u8, w [8, 8] s8, y int32. The first
# block stands by itself, since its pass switches to the tile; the other seven are a body of twelve
# instructions, whose addresses move by what the `step` before each says.
# A label in the body means this repetition's instruction or, where it comes after the sync, that of
# the repetition before: the pass waits until `done` has taken the sums of the block before it.
#
#   systole run docs/isa-examples/repeat.asm --listing
#
# Look at the matmul: from the second on one starts every 60 cycles, in the cycle after the end of
# the activate before it. The read_host wait for nobody, since the buffer has room for all of x:
# the last starts in cycle 292, when four passes are still to come.
# Cycles: 664
.model "repeat"
.batch 64
.weight_bytes 64
.machine base = "tiny_8"

.let rows = 8
.let x = 0
.let y = 8*rows*8
.host_bytes y+8*rows*32
.tensor "x" type=uint8 shape=[8*rows, 8] role=input address=x
.tensor "y" type=int32 shape=[8*rows, 8] role=output address=y
.weights +v8E/AEG/gP9Avr/BPwBBgAF/QL6/wT8A/sABf0C+v8G/gP7AAX9AvwBBv4D+wAF
.weights /wT8AQb+A/sC+v8E/AEG/g==

.let x_rows = 0                # of the unified buffer: a place for each block
.let y_rows = 8*rows

        read_weights dram=0, k=8, n=8, is_signed=1, zero=0
load0:  read_host host=x, stride=8, ub=x_rows, rows=rows, bytes=8
        sync unit=matrix, after=load0, why=raw
pass0:  matmul ub=x_rows, acc=0, rows=rows, k=8, n=8, switch_tile=1, precision=int8
        sync unit=activation, after=pass0, why=raw
done0:  activate acc=0, ub=y_rows, rows=rows, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done0, why=raw
        write_host host=y, stride=32, ub=y_rows, rows=rows, bytes=32

        # Repetition r adds r steps to the addresses, from r = 0.
        repeat count=7 {
          step host=rows*8, ub=rows
load:     read_host host=x + rows*8, stride=8, ub=x_rows + rows, rows=rows, bytes=8
          sync unit=matrix, after=load, why=raw
          sync unit=matrix, after=done, why=war
          step ub=rows
pass:     matmul ub=x_rows + rows, acc=0, rows=rows, k=8, n=8, precision=int8
          sync unit=activation, after=pass, why=raw
          step ub=4*rows
done:     activate acc=0, ub=y_rows + 4*rows, rows=rows, n=8, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
          sync unit=dma_out, after=done, why=raw
          step host=rows*32, ub=4*rows
          write_host host=y + rows*32, stride=32, ub=y_rows + 4*rows, rows=rows, bytes=32
        }
        halt
