mod applying;
mod encoding;
