package dev.postern.spi;

/** Implemented by a part that only stands in front of another, so that an engine can tell what is behind it. */
public interface Wrapper {
    /** The part behind. */
    Object wrapped();
}
