// Processing element: one weight, one multiply-add a cycle.
//
// Activations move right, partial sums move down, each through one register. The switch flag comes
// with the activation of a pass's first row: in that cycle the PE multiplies with its shadow weight
// already, and makes it the active one.
//
// THROUGH: weights travel down one PE a cycle. The capture flag that starts with row 0 takes two
// cycles a PE, so it meets row r, which was fed r cycles later, in PE r.
// CHAIN: capture, wired to a whole column, shifts its shadow weights by one PE.
// SINGLE: capture shifts the active weights themselves; there is nothing to switch.
module pe
  import matrix_types::*;
#(
    parameter int WEIGHT_LOAD = THROUGH
) (
    input logic clk,
    input operand_t activation_in,
    input logic switch_in,
    input operand_t weight_in,
    input logic capture_in,
    input sum_t sum_in,
    output operand_t activation_out,
    output logic switch_out,
    output operand_t weight_out,
    output logic capture_out,
    output sum_t sum_out
);

  operand_t active;
  operand_t weight;  // the one used in this cycle

  always_ff @(posedge clk) begin
    activation_out <= activation_in;
    switch_out <= switch_in;
    sum_out <= sum_in + 32'(activation_in * weight);
  end

  generate
    if (WEIGHT_LOAD == THROUGH) begin : g_through
      operand_t shadow;
      logic capture_half;
      assign weight = switch_in ? shadow : active;
      always_ff @(posedge clk) begin
        weight_out <= weight_in;
        capture_half <= capture_in;
        capture_out <= capture_half;
        if (capture_in) shadow <= weight_in;
        if (switch_in) active <= shadow;
      end
    end else if (WEIGHT_LOAD == CHAIN) begin : g_chain
      operand_t shadow;
      assign weight = switch_in ? shadow : active;
      assign weight_out = shadow;
      assign capture_out = 0;  // it goes to the whole column at once
      always_ff @(posedge clk) begin
        if (capture_in) shadow <= weight_in;
        if (switch_in) active <= shadow;
      end
    end else begin : g_single
      assign weight = active;
      assign weight_out = active;
      assign capture_out = 0;  // it goes to the whole column at once
      always_ff @(posedge clk) if (capture_in) active <= weight_in;
    end
  endgenerate

endmodule
