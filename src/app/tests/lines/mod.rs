//! The lines of the table: groups, marked rows, rows that are found.

mod find;
mod groups;
mod marks;
