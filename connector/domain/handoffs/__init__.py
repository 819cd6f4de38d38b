"""Work given to suppliers and operations: record, moves, clocks, messages, proof."""
