mod faults;
mod personality;
mod published;
mod raw;
mod serving;
mod suite;
mod world;
