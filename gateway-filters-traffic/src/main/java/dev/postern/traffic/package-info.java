/** Filters and handlers that shape traffic: {@link dev.postern.traffic.RateLimit}, {@link dev.postern.traffic.Aggregate}. */
@NullMarked
package dev.postern.traffic;

import org.jspecify.annotations.NullMarked;
