// Weight control: when a tile may shift in, and when it may become active (T4).
//
// `shifted` counts the rows of the tile that occupies the shadow plane; 0 is a free plane. The
// plane is occupied from the first row of the shift until
//   THROUGH  the cycle in which the first row of the switching pass enters: row r is captured 2r
//            cycles after the shift's start, the switch reads it r cycles after its own
//   CHAIN    the switch is in the last PE of the column, or past it
//   SINGLE   no row is left in the array, since the shift goes through the weights in use
module weight_control
  import matrix_types::*;
#(
    parameter int ROWS = 8,
    parameter int WEIGHT_LOAD = THROUGH
) (
    input logic clk,
    input logic reset,
    input logic weight_valid,     // a row of weights enters
    input logic row_valid,        // a row of activations enters
    input logic row_switch,       // ... and switches to the shadow tile
    input logic switch_in_column, // a switch is in one of column 0's PEs but the last
    input logic array_empty,      // no row is in the array or enters it
    output logic shift_ready,     // a shift may start in this cycle
    output logic switch_ready,    // a switching row may enter in this cycle
    output logic capture,         // to the top of the columns, with the row of weights
    output logic [$clog2(ROWS)-1:0] weight_row,  // index of the row that enters
    output logic error_switch,    // switch to a tile that is not whole, or no tile at all
    output logic error_shift      // shift into an occupied plane, or a gap in a shift
);

  localparam int BITS = $clog2(ROWS + 1);
  localparam logic [BITS-1:0] WHOLE = BITS'(ROWS);

  logic [BITS-1:0] shifted;
  logic has_tile;  // a tile is active
  logic shifting;  // some but not all rows are in
  logic take;

  assign shifting = shifted != 0 && shifted != WHOLE;
  assign switch_ready = shifted == WHOLE;
  assign take = row_valid && row_switch && switch_ready;

  generate
    if (WEIGHT_LOAD == THROUGH) begin : g_through
      assign shift_ready = shifted == 0 || take;
      assign capture = weight_valid && !shifting;
      assign weight_row = shifting ? ($clog2(ROWS))'(shifted) : '0;
    end else begin : g_chain_or_single
      assign shift_ready = shifted == 0 && (WEIGHT_LOAD == CHAIN ? !switch_in_column : array_empty);
      assign capture = weight_valid;
      assign weight_row = ($clog2(ROWS))'(ROWS - 1) - (shifting ? ($clog2(ROWS))'(shifted) : '0);
    end
  endgenerate
  wire unused = &{1'b0, switch_in_column, array_empty};

  // SINGLE: while a tile shifts, the one before it is no longer there.
  wire tile_lost = WEIGHT_LOAD == SINGLE && shifted != 0;
  assign error_switch = row_valid && (row_switch ? !switch_ready : !has_tile || tile_lost);
  assign error_shift = shifting ? !weight_valid : weight_valid && !shift_ready;

  always_ff @(posedge clk) begin
    if (reset) begin
      shifted <= 0;
      has_tile <= 0;
    end else begin
      if (weight_valid) shifted <= shifting ? shifted + 1 : 1;
      else if (take) shifted <= 0;
      if (take) has_tile <= 1;
    end
  end

endmodule
