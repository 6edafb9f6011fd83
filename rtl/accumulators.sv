// Accumulators: a bank of DEPTH sums for each column. A sum that arrives is read, added and written
// back in its arrival cycle, so that rows may hit the same address back to back; it can be read one
// cycle later (T2). int32 wraps.
module accumulators
  import matrix_types::*;
#(
    parameter int COLUMNS = 8,
    parameter int DEPTH = 64
) (
    input logic clk,
    input logic reset,
    input logic valid[COLUMNS],
    input logic accumulate[COLUMNS],  // 0: overwrite
    input logic high[COLUMNS],        // of a high byte: 8 bits to the left
    input logic [$clog2(DEPTH)-1:0] address[COLUMNS],
    input sum_t sum[COLUMNS],
    output sum_t written[COLUMNS],    // what a valid column writes at the end of this cycle
    input logic [$clog2(DEPTH)-1:0] read_address,
    output sum_t read_data[COLUMNS]
);

  generate
    for (genvar c = 0; c < COLUMNS; ++c) begin : g_bank
      sum_t bank[DEPTH];
      wire sum_t old = accumulate[c] ? bank[address[c]] : 0;
      assign written[c] = old + (high[c] ? sum[c] << 8 : sum[c]);
      assign read_data[c] = bank[read_address];
      always_ff @(posedge clk) begin
        if (reset) begin
          for (int i = 0; i < DEPTH; ++i) bank[i] <= 0;
        end else if (valid[c]) begin
          bank[address[c]] <= written[c];
        end
      end
    end
  endgenerate

endmodule
