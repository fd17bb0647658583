package dev.postern.spi;

import dev.postern.TimeSource;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What a gateway takes from outside instead of its engine's own.
 *
 * @param time the clock and timer, or null for the engine's
 * @param random the source of randomness, or null for the engine's
 */
public record Environment(
        @Nullable TimeSource time, @Nullable RandomGenerator random) {}
