// Skew: lane i of a vector leaves i cycles after lane 0 (T1); lane 0 passes unregistered.
module skew #(
    parameter int LANES = 8,
    parameter int WIDTH = 8
) (
    input logic clk,
    input logic reset,
    input logic [WIDTH-1:0] in[LANES],
    output logic [WIDTH-1:0] out[LANES]
);

  generate
    for (genvar i = 0; i < LANES; ++i) begin : g_lane
      if (i == 0) begin : g_first
        assign out[i] = in[i];
      end else begin : g_delayed
        logic [WIDTH-1:0] stage[i];
        always_ff @(posedge clk) begin
          stage[0] <= reset ? '0 : in[i];
          for (int s = 1; s < i; ++s) stage[s] <= reset ? '0 : stage[s-1];
        end
        assign out[i] = stage[i-1];
      end
    end
  endgenerate

endmodule
