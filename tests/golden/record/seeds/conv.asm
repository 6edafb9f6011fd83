.model "conv_1x1_relu"
.model_hash "017eb2b406b564fd"
.batch 1
.batches 1
.has_values 1
.weight_bytes 128
.host_bytes 1408
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
.layer "c_Conv" kind="conv" macs=2880 predicted_cycles=209
.tensor "x" type=uint8 shape=[1, 8, 6, 5] role=input address=128
.tensor "y" type=uint8 shape=[1, 12, 6, 5] role=output address=384
.tensor "y.channels_last" type=uint8 shape=[1, 6, 5, 12] role=intermediate address=768
.tensor "x.channels_last" type=uint8 shape=[1, 6, 5, 8] role=intermediate address=1152
.host "x.channels_last" op=transpose stage=0 inputs=[0] outputs=[3] numbers=[0, 2, 3, 1] reals=[] layer=1
.host "y" op=transpose stage=65535 inputs=[2] outputs=[1] numbers=[0, 3, 1, 2] reals=[] layer=1
.constants XkUAAG0UAAB1EgAAafb//9zF//+EIwAABQoAAFUFAADiLgE7AYc3OzQjsTr/2G07fNwEO25KxTqEqW07
.constants jHonO9A7AADRsv//TB0AADAoAAAAAAAAAAAAAAAAAAAAAAAAy6J2O1sjZTt2aGU78rD2OgAAAAAAAAAA
.constants AAAAAAAAAAA=
.weights pqnAS5hY6K2fTS8aUfFYiU4LCmNATuWCJEAoYfzPqOqoLucw73+j3PRzMobri9KwAVMybHH0/d6yPjbq
.weights yvnwDAkzdicAAAAAgrvINwAAAADwm4aNAAAAAEDMzXMAAAAAf4yGbgAAAADySRn7AAAAAE69+xMAAAAA
.weights 27JP/gAAAAA=
tag layer=1
read_weights dram=0, k=8, n=8, is_signed=1, zero=0
read_weights dram=64, k=8, n=4, is_signed=1, zero=0
read_params host=0, param=0, rows=2
read_host host=1152, stride=8, ub=0, rows=30, bytes=8
sync unit=matrix, wait_for=dma_in, distance=0, why=raw
matmul ub=0, acc=0, rows=30, k=8, n=8, switch_tile=1, zero_point=128, precision=int8
sync unit=activation, wait_for=matrix, distance=0, why=raw
activate acc=0, ub=30, rows=30, n=8, function=identity, type=u8, lo=0, hi=255, use_bias=1, bias=0, scale=1
read_params host=64, param=2, rows=2
matmul ub=0, acc=30, rows=30, k=8, n=4, switch_tile=1, zero_point=128, precision=int8
sync unit=activation, wait_for=dma_in, distance=0, why=raw
sync unit=activation, wait_for=matrix, distance=0, why=raw
activate acc=30, ub=60, rows=30, n=4, function=identity, type=u8, lo=0, hi=255, use_bias=1, bias=2, scale=3
sync unit=dma_out, wait_for=activation, distance=1, why=raw
write_host host=768, stride=12, ub=30, rows=30, bytes=8
sync unit=dma_out, wait_for=activation, distance=0, why=raw
write_host host=776, stride=12, ub=60, rows=30, bytes=4
halt
