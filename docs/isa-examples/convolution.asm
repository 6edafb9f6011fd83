# A convolution: 3 x 3, stride 1, padding 1, of a map of 6 x 6 pixels with 8 channels into 8 channels:
# x [36, 8] u8 (a row a pixel), y [36, 8] int32.
# A `convolve` is the matmul of one kernel position: its rows are a walk over the map, and what lies
# outside the map is 0. So a 3 x 3 kernel is nine passes, each with a tile of its own, and all but
# the first add to the sums that are there. Tiles are read one pass ahead by the weights' own queue.
#
#   systole run docs/isa-examples/convolution.asm --listing
#
# Look at `start` of each convolve: one follows the other every 36 cycles, the rows of a pass, as the
# 16 cycles in which a tile of 64 bytes comes from memory are hidden behind the pass before it.
# Cycles: 837
.model "convolution"
.batch 36
.weight_bytes 576
.machine base = "tiny_8"

.let c = 8                     # channels
.let h = 6                     # height and width
.let x = 0
.let y = h*h*c
.host_bytes y+h*h*c*4
.tensor "x" type=uint8 shape=[h*h, c] role=input address=x
.tensor "y" type=int32 shape=[h*h, c] role=output address=y
.weights +v8E/AEG/gP9Avr/BPwBBgAF/QL6/wT8A/sABf0C+v8G/gP7AAX9AvwBBv4D+wAF
.weights /wT8AQb+A/sC+v8E/AEG/gEG/gP7AAX9BPwBBv4D+wD6/wT8AQb+A/0C+v8E/AEG
.weights AAX9Avr/BPwD+wAF/QL6/wb+A/sABf0C/AEG/gP7AAX7AAX9Avr/BP4D+wAF/QL6
.weights AQb+A/sABf0E/AEG/gP7APr/BPwBBv4D/QL6/wT8AQYABf0C+v8E/AP7AAX9Avr/
.weights Avr/BPwBBv4F/QL6/wT8AfsABf0C+v8E/gP7AAX9AvoBBv4D+wAF/QT8AQb+A/sA
.weights +v8E/AEG/gP9Avr/BPwBBvwBBv4D+wAF/wT8AQb+A/sC+v8E/AEG/gX9Avr/BPwB
.weights +wAF/QL6/wT+A/sABf0C+gEG/gP7AAX9BPwBBv4D+wAD+wAF/QL6/wb+A/sABf0C
.weights /AEG/gP7AAX/BPwBBv4D+wL6/wT8AQb+Bf0C+v8E/AH7AAX9Avr/BP4D+wAF/QL6
.weights /QL6/wT8AQYABf0C+v8E/AP7AAX9Avr/Bv4D+wAF/QL8AQb+A/sABf8E/AEG/gP7
.weights Avr/BPwBBv4F/QL6/wT8AQT8AQb+A/sA+v8E/AEG/gP9Avr/BPwBBgAF/QL6/wT8
.weights A/sABf0C+v8G/gP7AAX9AvwBBv4D+wAF/wT8AQb+A/v+A/sABf0C+gEG/gP7AAX9
.weights BPwBBv4D+wD6/wT8AQb+A/0C+v8E/AEGAAX9Avr/BPwD+wAF/QL6/wb+A/sABf0C

.let map = 0                   # of the unified buffer: a row a pixel
.let out = h*h

load:   read_host host=x, stride=c, ub=map, rows=h*h, bytes=c
        read_weights dram=0, k=c, n=c, is_signed=1, zero=0
        sync unit=matrix, after=load, why=raw
        convolve ub=map, acc=0, k=c, n=c, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=0, kernel_x=0, taps=1
        read_weights dram=64, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=0, kernel_x=1, taps=1
        read_weights dram=128, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=0, kernel_x=2, taps=1
        read_weights dram=192, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=1, kernel_x=0, taps=1
        read_weights dram=256, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=1, kernel_x=1, taps=1
        read_weights dram=320, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=1, kernel_x=2, taps=1
        read_weights dram=384, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=2, kernel_x=0, taps=1
        read_weights dram=448, k=c, n=c, is_signed=1, zero=0
        convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=2, kernel_x=1, taps=1
        read_weights dram=512, k=c, n=c, is_signed=1, zero=0
pass:   convolve ub=map, acc=0, k=c, n=c, accumulate=1, switch_tile=1, precision=int8, in_height=h, in_width=h, out_height=h, out_width=h, stride_y=1, stride_x=1, dilation_y=1, dilation_x=1, pad_top=1, pad_left=1, kernel_y=2, kernel_x=2, taps=1
        sync unit=activation, after=pass, why=raw
done:   activate acc=0, ub=out, rows=h*h, n=c, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
        sync unit=dma_out, after=done, why=raw
        write_host host=y, stride=4*c, ub=out, rows=h*h, bytes=4*c
        halt
