//! The lifecycle room.
