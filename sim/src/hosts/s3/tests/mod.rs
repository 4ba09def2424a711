mod faults;
mod personality;
mod posted;
mod published;
mod raw;
mod serving;
mod suite;
mod world;
