.model "gemm:4,8,8"
.model_hash ""
.batch 4
.batches 1
.has_values 1
.weight_bytes 64
.host_bytes 192
.machine name = "tiny_8"
.machine array.rows = 8
.machine array.columns = 8
.machine array.weight_load = "through"
.machine accumulators.rows = 64
.machine weight_fifo.tiles = 2
.machine unified_buffer.bytes = 8192
.machine unified_buffer.row_bytes = 8
.machine unified_buffer.read_ports = 1
.machine unified_buffer.write_ports = 1
.machine parameters.rows = 64
.machine activation.depth = 2
.machine vector.depth = 2
.machine sequencer.queue = 8
.machine sequencer.delivery = "link"
.machine sequencer.buffer_bytes = 4096
.machine dram.kind = "simple"
.machine dram.bytes = 1048576
.machine dram.bytes_per_second = 400000000
.machine dram.latency = 10
.machine link.latency = 20
.machine link.buffer_chunks = 16
.layer "(none)" kind="none" macs=0 predicted_cycles=0
.layer "gemm" kind="matmul" macs=256 predicted_cycles=90
.tensor "x" type=uint8 shape=[4, 8] role=input address=64
.tensor "y" type=uint8 shape=[4, 8] role=output address=128
.constants AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA53wY7Od8GOznfBjs53wY7Od8GOznfBjs53wY7
.constants Od8GOw==
.weights lxAoJ/OE9KYSfKPFl507F8qq3yyxlRTL9m1iZpsSItBd2sK5oR5IJZkNBWue3Ye0pD7wyebE7ICdj5Wa
.weights IM9nWQ==
tag layer=1
read_weights dram=0, k=8, n=8, is_signed=1, zero=0
read_params host=0, param=0, rows=2
read_host host=64, stride=8, ub=0, rows=4, bytes=8
sync unit=matrix, wait_for=dma_in, distance=0, why=raw
matmul ub=0, acc=0, rows=4, k=8, n=8, switch_tile=1, zero_point=128, precision=int8
sync unit=activation, wait_for=matrix, distance=0, why=raw
activate acc=0, ub=4, rows=4, n=8, function=identity, type=u8, zero_point=128, lo=0, hi=255, bias=0, scale=1
sync unit=dma_out, wait_for=activation, distance=0, why=raw
write_host host=128, stride=8, ub=4, rows=4, bytes=8
halt
