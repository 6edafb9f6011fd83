// The array: ROWS x COLUMNS PEs and the wires between them. Activations and switch flags enter at
// the left, weights and capture flags at the top, both already skewed; sums leave at the bottom.
module pe_array
  import matrix_types::*;
#(
    parameter int ROWS = 8,
    parameter int COLUMNS = 8,
    parameter int WEIGHT_LOAD = THROUGH,
    parameter int FAULTS = 0
) (
    input logic clk,
    input fault_t fault,
    input operand_t activation[ROWS],
    input logic switch_tile[ROWS],
    input operand_t weight[COLUMNS],
    input logic capture[COLUMNS],
    output sum_t sum[COLUMNS]
);

  // Index [r][c]: what is about to enter PE(r, c), but for a fault.
  operand_t a[ROWS][COLUMNS+1];
  logic     s[ROWS][COLUMNS+1];
  operand_t w[ROWS+1][COLUMNS];
  logic     k[ROWS][COLUMNS];
  sum_t     p[ROWS+1][COLUMNS];
  logic     k_out[ROWS][COLUMNS];

  generate
    for (genvar r = 0; r < ROWS; ++r) begin : g_left
      assign a[r][0] = activation[r];
      assign s[r][0] = switch_tile[r];
      wire unused = &{1'b0, a[r][COLUMNS], s[r][COLUMNS]};
    end
    for (genvar c = 0; c < COLUMNS; ++c) begin : g_top
      assign w[0][c] = weight[c];
      assign p[0][c] = 0;
      assign sum[c] = p[ROWS][c];
      wire unused = &{1'b0, w[ROWS][c], k_out[ROWS-1][c]};
    end
    for (genvar r = 0; r < ROWS; ++r) begin : g_row
      for (genvar c = 0; c < COLUMNS; ++c) begin : g_column
        // THROUGH hands the flag from PE to PE; the others wire it to the whole column.
        if (r > 0 && WEIGHT_LOAD == THROUGH) assign k[r][c] = k_out[r-1][c];
        else assign k[r][c] = capture[c];

        operand_t a_in, w_in;
        logic s_in, k_in;
        sum_t p_in;
        fault_point #(FAULTS, 9, ACTIVATION, r, c) fault_a (.clk, .fault, .in(a[r][c]), .out(a_in));
        fault_point #(FAULTS, 1, SWITCH, r, c) fault_s (.clk, .fault, .in(s[r][c]), .out(s_in));
        fault_point #(FAULTS, 9, WEIGHT, r, c) fault_w (.clk, .fault, .in(w[r][c]), .out(w_in));
        fault_point #(FAULTS, 1, CAPTURE, r, c) fault_k (.clk, .fault, .in(k[r][c]), .out(k_in));
        fault_point #(FAULTS, 32, SUM, r, c) fault_p (.clk, .fault, .in(p[r][c]), .out(p_in));
        pe #(
            .WEIGHT_LOAD(WEIGHT_LOAD)
        ) pe (
            .clk,
            .activation_in(a_in),
            .switch_in(s_in),
            .weight_in(w_in),
            .capture_in(k_in),
            .sum_in(p_in),
            .activation_out(a[r][c+1]),
            .switch_out(s[r][c+1]),
            .weight_out(w[r+1][c]),
            .capture_out(k_out[r][c]),
            .sum_out(p[r+1][c])
        );
      end
    end
  endgenerate

endmodule
