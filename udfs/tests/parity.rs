#[test] fn a() { let _ = aqueduct_udfs::Format::all(); }
