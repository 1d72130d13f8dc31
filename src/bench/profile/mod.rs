//! What a load is: the file that describes it, the catalogue it draws on, and its commands, one by one.
//!
//! A [`Profile`] is a TOML file; those of `data/profiles` are part of the program. From it and a seed follow
//! a [`Catalogue`] (items, places, stock) and a [`Workload`], which tells the command of any number
//! without having made those before it. So what is sent depends on nothing that a server does.

mod catalogue;
mod embedded;
mod file;
mod operation;
mod postal;
mod shapes;
mod workload;

pub use catalogue::{Catalogue, Stocked};
pub use embedded::{EMBEDDED, named};
pub use file::{
    Arrivals, Baskets, Before, CatalogueSize, Consumers, Profile, ProfileError, Restart, Run,
    Shape, Sizes,
};
pub use operation::{Kind, Operation, OrderId, TakenLine};
pub use workload::{Load, Workload};
