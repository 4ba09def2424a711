mod personality;
mod posted;
mod published;
mod raw;
mod serving;
mod understood;
