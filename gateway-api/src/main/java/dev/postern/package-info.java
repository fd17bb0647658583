/**
 * The nouns of a gateway: {@link dev.postern.Gateway}, {@link dev.postern.Route}, {@link dev.postern.Match},
 * {@link dev.postern.Filter}, {@link dev.postern.Upstream} and what they are made of.
 *
 * <p>Everything here is a value or a small strategy; nothing opens a socket. Configuration values may be shared, compared
 * and reused. Unless a type says otherwise it is immutable and safe on any thread, no argument may be {@code null} and
 * nothing returned is {@code null} except where {@code @Nullable} says so.
 */
@NullMarked
package dev.postern;

import org.jspecify.annotations.NullMarked;
