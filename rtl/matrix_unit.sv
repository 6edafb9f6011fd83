// Matrix unit: a weight-stationary systolic array of ROWS x COLUMNS PEs with its accumulators.
//
// Two streams enter, each with a ready flag that says what its sender may start in this cycle:
//   weights      one row of COLUMNS bytes a cycle, ROWS cycles without a gap, once shift_ready
//   activations  one row of ROWS bytes a cycle, gaps allowed; the first row of a pass that takes
//                the shadow tile carries row_switch, and waits for switch_ready
// A row of 16-bit activations (row_wide) is sent twice, in consecutive cycles and to one address:
// the array takes its low bytes, then, with row_high, the rest, whose sums are added 8 bits to the
// left (T6).
//
// A row that enters in cycle t meets PE(r, c) in t + r + c and writes column c of its accumulator
// in t + ROWS + c. What the row's sums need there (address, mode) waits in `token`.
//
// error is sticky: bit 0 a switch to a tile that is not whole, or a row without tile; bit 1 a
// shift into an occupied plane, or one with a gap; bit 2 high bytes that follow no low bytes.
module matrix_unit
  import matrix_types::*;
#(
    parameter int ROWS = 8,
    parameter int COLUMNS = 8,
    parameter int DEPTH = 64,
    parameter int WEIGHT_LOAD = THROUGH,
    parameter int FAULTS = 0
) (
    input logic clk,
    input logic reset,

    output logic shift_ready,
    input logic weight_valid,
    input logic weight_signed,
    input logic [7:0] weight_data[COLUMNS],
    input zero_t weight_zero[COLUMNS],
    input logic [$clog2(ROWS+1)-1:0] weight_rows,        // valid rows of the tile
    input logic [$clog2(COLUMNS+1)-1:0] weight_columns,  // valid columns of the tile
    output logic [$clog2(ROWS)-1:0] weight_row,          // which row of the tile enters

    output logic switch_ready,
    input logic row_valid,
    input logic row_switch,
    input logic row_wide,
    input logic row_high,
    input logic row_accumulate,
    input logic [$clog2(DEPTH)-1:0] row_address,
    input logic row_signed,
    input logic [15:0] row_data[ROWS],
    input zero_t row_zero,
    input logic [$clog2(ROWS+1)-1:0] row_lanes,       // valid lanes
    input logic [$clog2(COLUMNS+1)-1:0] row_columns,  // columns that write

    input logic [$clog2(DEPTH)-1:0] read_address,
    output sum_t read_data[COLUMNS],

    output logic write_valid[COLUMNS],  // what is written at the end of this cycle
    output logic [$clog2(DEPTH)-1:0] write_address[COLUMNS],
    output sum_t write_data[COLUMNS],
    output logic [2:0] error,

    input fault_t fault
);

  localparam int STAGES = ROWS + COLUMNS;  // from entry to the last column's accumulator
  localparam int A = $clog2(DEPTH);

  typedef struct packed {
    logic valid;
    logic accumulate;
    logic high;
    logic [$clog2(COLUMNS+1)-1:0] columns;
    logic [A-1:0] address;
  } token_t;

  // --- tokens: one a row, moving with its wavefront ------------------------------------------------
  token_t entering;
  token_t token[STAGES];  // token[i] entered i cycles ago
  token_t delayed[STAGES-1];
  assign entering = '{
      row_valid, row_accumulate || (row_wide && row_high), row_wide && row_high, row_columns, row_address
  };
  always_comb begin
    token[0] = entering;
    for (int i = 1; i < STAGES; ++i) token[i] = delayed[i-1];
  end
  always_ff @(posedge clk) begin
    for (int i = 0; i < STAGES - 1; ++i) delayed[i] <= reset ? '0 : token[i];
  end

  logic array_empty;
  always_comb begin
    array_empty = 1;
    for (int i = 0; i < STAGES - 1; ++i) array_empty &= !token[i].valid;
  end

  // --- weights: top edge ---------------------------------------------------------------------------
  logic capture;
  logic switch_in_column;
  logic error_switch, error_shift, error_high;

  weight_control #(
      .ROWS(ROWS),
      .WEIGHT_LOAD(WEIGHT_LOAD)
  ) control (
      .*
  );

  operand_t weight_operand[COLUMNS];
  logic [9:0] top_in[COLUMNS], top_out[COLUMNS];
  operand_t weight[COLUMNS];
  logic capture_skewed[COLUMNS];
  generate
    for (genvar c = 0; c < COLUMNS; ++c) begin : g_top
      edge_lane lane (
          .valid(weight_valid && int'(weight_row) < int'(weight_rows) && c < int'(weight_columns)),
          .is_signed(weight_signed),
          .wide(1'b0),
          .high(1'b0),
          .data({8'b0, weight_data[c]}),
          .zero(weight_zero[c]),
          .operand(weight_operand[c])
      );
      assign top_in[c] = {capture, weight_operand[c]};
      assign {capture_skewed[c], weight[c]} = top_out[c];
    end
  endgenerate
  skew #(COLUMNS, 10) top_skew (.clk, .reset, .in(top_in), .out(top_out));

  // --- activations: left edge ----------------------------------------------------------------------
  operand_t row_operand[ROWS];
  logic [9:0] left_in[ROWS], left_out[ROWS];
  operand_t activation[ROWS];
  logic switch_skewed[ROWS];
  generate
    for (genvar r = 0; r < ROWS; ++r) begin : g_left
      edge_lane lane (
          .valid(row_valid && r < int'(row_lanes)),
          .is_signed(row_signed),
          .wide(row_wide),
          .high(row_high),
          .data(row_data[r]),
          .zero(row_zero),
          .operand(row_operand[r])
      );
      assign left_in[r] = {row_valid && row_switch, row_operand[r]};
      assign {switch_skewed[r], activation[r]} = left_out[r];
    end
  endgenerate
  skew #(ROWS, 10) left_skew (.clk, .reset, .in(left_in), .out(left_out));
  always_comb begin
    switch_in_column = 0;
    for (int r = 0; r < ROWS - 1; ++r) switch_in_column |= switch_skewed[r];
  end

  // --- array and accumulators ----------------------------------------------------------------------
  sum_t sum[COLUMNS];
  pe_array #(ROWS, COLUMNS, WEIGHT_LOAD, FAULTS) array (
      .clk,
      .fault,
      .activation,
      .switch_tile(switch_skewed),
      .weight,
      .capture(capture_skewed),
      .sum
  );

  logic accumulate[COLUMNS], high[COLUMNS];
  generate
    for (genvar c = 0; c < COLUMNS; ++c) begin : g_bottom
      assign write_valid[c] = token[ROWS+c].valid && c < int'(token[ROWS+c].columns);
      assign accumulate[c] = token[ROWS+c].accumulate;
      assign high[c] = token[ROWS+c].high;
      fault_point #(FAULTS, A, ADDRESS, 0, c) fault_address (
          .clk, .fault, .in(token[ROWS+c].address), .out(write_address[c]));
    end
  endgenerate
  accumulators #(COLUMNS, DEPTH) accumulators (
      .clk,
      .reset,
      .valid(write_valid),
      .accumulate,
      .high,
      .address(write_address),
      .sum,
      .written(write_data),
      .read_address,
      .read_data
  );

  // --- misuse --------------------------------------------------------------------------------------
  assign error_high = row_valid && entering.high &&
      !(delayed[0].valid && !delayed[0].high && delayed[0].address == row_address);
  always_ff @(posedge clk) begin
    if (reset) error <= 0;
    else error <= error | {error_high, error_shift, error_switch};
  end

endmodule
