// Edge of the array, one lane: what memory holds becomes a PE operand of 9 bits. The zero point is
// subtracted here, and masked lanes are 0, so that the array itself knows neither. Of a 16-bit
// value's difference the low byte enters unsigned, then the rest signed (T6).
module edge_lane
  import matrix_types::*;
(
    input logic valid,  // 0: masked
    input logic is_signed,  // of a byte; 16-bit values are
    input logic wide,  // 16 bits
    input logic high,  // of a wide value: the high part
    input logic [15:0] data,  // a byte stands in the low half
    input zero_t zero,
    output operand_t operand
);

  logic signed [16:0] difference;

  always_comb begin
    if (wide) difference = 17'(signed'(data)) - zero;
    else difference = 17'(signed'({is_signed & data[7], data[7:0]})) - zero;
    if (!valid) operand = 0;
    else if (wide && high) operand = difference[16:8];
    else if (wide) operand = {1'b0, difference[7:0]};
    else operand = difference[8:0];
  end

endmodule
