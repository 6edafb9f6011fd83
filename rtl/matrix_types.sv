// Types that the modules of the matrix unit share.
package matrix_types;

  // How a weight tile reaches the active plane (T4); the values of parameter WEIGHT_LOAD.
  localparam int THROUGH = 0;  // travelling, shadow and active weight; row 0 is fed first
  localparam int CHAIN   = 1;  // the shadow weights are the shift chain; row R-1 is fed first
  localparam int SINGLE  = 2;  // one weight, itself the shift chain; row R-1 is fed first

  // What a PE multiplies: a byte, signed or not, less its zero point, or half of 16 bits less theirs.
  typedef logic signed [8:0] operand_t;
  typedef logic signed [16:0] zero_t;
  typedef logic signed [31:0] sum_t;

  // Wires that a fault may strike (fault_point.sv).
  typedef enum logic [2:0] {
    NOWHERE    = 3'd0,
    ACTIVATION = 3'd1,
    SWITCH     = 3'd2,
    WEIGHT     = 3'd3,
    CAPTURE    = 3'd4,
    SUM        = 3'd5,
    ADDRESS    = 3'd6
  } site_t;

  // A fault in this cycle: on the wire into PE(row, column), or for ADDRESS on the accumulator
  // address into column `column`.
  typedef struct packed {
    site_t site;
    logic [9:0] row;
    logic [9:0] column;
    logic delay;      // 1: the wire shows its value of the cycle before; 0: one bit is inverted
    logic [4:0] bit_index;
  } fault_t;

endpackage
