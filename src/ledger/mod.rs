//! The ledger: the only code that changes a quantity.

mod view;

pub use view::{Cell, Step, StockView};
