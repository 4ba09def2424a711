//! The picture of a run: one page for a browser, made of its trace and of nothing else.
//!
//! The page is whole: it asks for nothing, from no server. Two pages of one trace are the same
//! bytes. Hosts are lanes, what took time is a bar, faults are bands; what caused what is an arrow.

//!
//! `page.html` is what the others are put into: `model.js` sorts the records, `view.js` and
//! `overlay.js` draw what is in view, `main.js` hears what a person does.

mod write;

pub use write::page;
