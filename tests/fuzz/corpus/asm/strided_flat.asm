.model "a"
.model_hash ""
.batch 1
.batches 1
.has_values 0
.weight_bytes 64
.host_bytes 335544320
.machine name = "tpu_v1"
.machine text = "Google TPU v1: 256x256 int8, 700 MHz, DDR3 weight memory, PCIe 3 x16"
.machine clock.hertz = 700000000
.machine array.rows = 256
.machine array.columns = 256
.machine array.weight_load = "through"
.machine array.taps = 8
.machine accumulators.rows = 4096
.machine weight_fifo.tiles = 4
.machine unified_buffer.bytes = 25165824
.machine unified_buffer.row_bytes = 256
.machine unified_buffer.read_ports = 1
.machine unified_buffer.write_ports = 1
.machine parameters.rows = 4096
.machine activation.depth = 8
.machine vector.depth = 8
.machine sequencer.queue = 16
.machine sequencer.decode_cycles = 1
.machine sequencer.delivery = "link"
.machine sequencer.buffer_bytes = 65536
.machine dram.kind = "banked"
.machine dram.bytes = 8589934592
.machine dram.bytes_per_second = 34128000000
.machine dram.latency = 59
.machine dram.channels = 2
.machine dram.banks = 8
.machine dram.row_bytes = 8192
.machine dram.burst_bytes = 64
.machine dram.trcd = 13090
.machine dram.trp = 13090
.machine dram.tras = 33000
.machine dram.trfc = 350000
.machine dram.trefi = 7800000
.machine link.in_bytes_per_second = 15032385536
.machine link.out_bytes_per_second = 15032385536
.machine link.latency = 350
.machine link.buffer_chunks = 16
.machine host.bytes_per_second = 10000000000
.machine host.call_nanoseconds = 5000
.layer "(none)" kind="none" macs=0 predicted_cycles=0
.tensor "x" type=uint8 shape=[335544320] role=input address=0
read_host host=0, stride=512, ub=0, rows=98000, bytes=256
halt
