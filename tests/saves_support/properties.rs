//! Properties of saves over random wishes.
