// Fuzz targets for what the command line reads besides models, machines, programs and tensors, and
// for the reports it writes of them.
#pragma once

#include "tests/fuzz/targets.h"

namespace systole::fuzz {

// Words of options, one a line: what --set, --dim, --shape, --input and an inline shape take.
void read_options(Bytes bytes);
// A tensor file under each name a user gives it, plain or gzip.
void read_tensor_files(Bytes bytes);
// A tensor made to fit inputs of several types and shapes.
void read_inputs(Bytes bytes);
// A table of measured products, and any CSV.
void read_tables(Bytes bytes);
// A file of measurements, which reads back as itself.
void read_measurement(Bytes bytes);
// The list of ONNX Runtime's cases.
void read_classes(Bytes bytes);
// A program's names in traces, statistics and summary.
void write_reports(Bytes bytes);

}  // namespace systole::fuzz
