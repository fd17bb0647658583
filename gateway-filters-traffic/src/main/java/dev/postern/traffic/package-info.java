/** Filters and handlers that shape traffic: {@link dev.postern.traffic.RateLimit}, {@link dev.postern.traffic.Aggregate},
 * {@link dev.postern.traffic.GrpcWeb}. */
@NullMarked
package dev.postern.traffic;

import org.jspecify.annotations.NullMarked;
