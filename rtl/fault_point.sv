// A wire that a fault may strike: one bit inverted, or a cycle late. With FAULTS = 0, as anywhere
// but in the test that shows that faults are noticed, it is a plain wire.
module fault_point
  import matrix_types::*;
#(
    parameter int FAULTS = 0,
    parameter int WIDTH = 1,
    parameter site_t SITE = NOWHERE,
    parameter int ROW = 0,
    parameter int COLUMN = 0
) (
    input logic clk,
    input fault_t fault,
    input logic [WIDTH-1:0] in,
    output logic [WIDTH-1:0] out
);

  generate
    if (FAULTS != 0) begin : g_faulty
      logic [WIDTH-1:0] previous;
      logic struck;
      always_ff @(posedge clk) previous <= in;
      assign struck = fault.site == SITE && fault.row == 10'(ROW) && fault.column == 10'(COLUMN);
      always_comb begin
        out = in;
        if (struck && fault.delay) out = previous;
        else if (struck) out = in ^ (WIDTH'(1) << fault.bit_index);
      end
    end else begin : g_wire
      wire unused = &{1'b0, clk, fault};
      assign out = in;
    end
  endgenerate

endmodule
