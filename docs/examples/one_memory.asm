# A memory that holds everything (T12): x [3, 4] goes to it, comes back, and is multiplied by a weight
# tile that lies beside it: y = x w, of bytes, signed bytes and int32.
#   systole run docs/examples/one_memory.asm --input random --output out
.model "one_memory"
.batch 3
.weight_bytes 16
.host_bytes 112
.machine array.rows = 4
.machine array.columns = 4
.machine unified_buffer.row_bytes = 16
.machine unified_buffer.bytes = 1024
.machine accumulators.rows = 16
.machine dram.holds = "everything"
.tensor "x" type=uint8 shape=[3, 4] role=input address=0
.tensor "y" type=int32 shape=[3, 4] role=output address=64
.weights AQAAAAACAAAAAAQAAAAACA==
read_host host=0, stride=4, ub=0, rows=3, bytes=4
sync unit=store, wait_for=dma_in, distance=0, why=raw
store dram=256, stride=4, ub=0, rows=3, bytes=4
sync unit=load, wait_for=store, distance=0, why=raw
load dram=256, stride=4, ub=30, rows=3, bytes=4
read_weights dram=0, k=4, n=4, is_signed=1, zero=0
sync unit=matrix, wait_for=load, distance=0, why=raw
matmul ub=30, acc=0, rows=3, k=4, n=4, switch_tile=1, precision=int8
sync unit=activation, wait_for=matrix, distance=0, why=raw
activate acc=0, ub=10, rows=3, n=4, function=identity, type=s32, lo=0, hi=0, bias=0, scale=0
sync unit=dma_out, wait_for=activation, distance=0, why=raw
write_host host=64, stride=16, ub=10, rows=3, bytes=16
halt
