//! Files of ours: network folders (CSV and TOML), order files, and orders as JSON.
//!
//! Everything that enters here leaves as a [`model`](crate::model) type that keeps the model's
//! rules, or as an error that names the file, the line, the column, what stood there and what was
//! expected. Nothing is guessed, skipped or cut: a row that cannot be taken whole refuses its
//! file. `load` does not know that a ledger, an engine or a socket exists.
//!
//! | file of the room | what it holds |
//! | --- | --- |
//! | `network` | a network folder, and its parts in the order they need each other |
//! | `rows` | items, locations and policies, which come as CSV, JSON and TOML alike |
//! | `carriers` | services, zones, zone pairs, tariffs, places |
//! | `supply` | stock, incoming, allocations, scarcity |
//! | `restrictions` | regions, and what may not ship where |
//! | `settings` | `network.toml` |
//! | `orders` | order files |
//! | `json`, `written` | orders, items and locations read from JSON; an order written as JSON |
//! | `field`, `node`, `names` | one value; a tree of values; known text ids |
//! | `table`, `text` | a CSV file; the text of a file |

mod carriers;
mod error;
mod field;
mod json;
mod names;
mod network;
mod node;
mod orders;
mod remedies;
mod restrictions;
mod rows;
mod settings;
mod supply;
mod table;
mod text;
mod written;

pub use error::LoadError;
pub use json::{CHANNEL_DEFAULT, Faulty, item_json, location_json, order_json, orders_json};
pub use network::{NetworkFiles, items_file, network_folder, network_folder_with};
pub use orders::{OrderFile, orders_file};
pub use written::order_to_json;
