# Two matrix units (T11) take two columns blocks of one product: y = x [a b], x [3, 4] of bytes,
# a and b [4, 4] of signed bytes (here powers of two and ones), y [3, 8] of int32.
#   systole run docs/examples/two_units.asm --input random --output out
.model "two_units"
.batch 3
.weight_bytes 32
.host_bytes 160
.machine array.rows = 4
.machine array.columns = 4
.machine array.units = 2
.machine unified_buffer.row_bytes = 16
.machine unified_buffer.bytes = 1024
.machine accumulators.rows = 16
.tensor "x" type=uint8 shape=[3, 4] role=input address=0
.tensor "y" type=int32 shape=[3, 8] role=output address=64
.weights AQAAAAACAAAAAAQAAAAACAEBAQEBAQEBAQEBAQEBAQE=
read_host host=0, stride=4, ub=0, rows=3, bytes=4
# Each unit has a FIFO of its own, and they share the memory.
read_weights dram=0, k=4, n=4, is_signed=1, zero=0
read_weights dram=16, k=4, n=4, is_signed=1, zero=0, instance=1
sync unit=matrix, wait_for=dma_in, distance=0, why=raw
matmul ub=0, acc=0, rows=3, k=4, n=4, switch_tile=1, precision=int8
sync unit=matrix, wait_for=dma_in, distance=0, why=raw, unit_instance=1
matmul ub=0, acc=0, rows=3, k=4, n=4, switch_tile=1, precision=int8, instance=1
# Sums as they are (s32), each activation unit from its own accumulators.
sync unit=activation, wait_for=matrix, distance=0, why=raw
activate acc=0, ub=10, rows=3, n=4, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
sync unit=activation, wait_for=matrix, distance=0, why=raw, unit_instance=1, wait_instance=1
activate acc=0, ub=20, rows=3, n=4, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0, instance=1
sync unit=dma_out, wait_for=activation, distance=0, why=raw
write_host host=64, stride=32, ub=10, rows=3, bytes=16
sync unit=dma_out, wait_for=activation, distance=0, why=raw, wait_instance=1
write_host host=80, stride=32, ub=20, rows=3, bytes=16
halt
