/**
 * Filters that establish who is calling: {@link dev.postern.security.ApiKeyAuth} by a key, {@link
 * dev.postern.security.JwtAuth} by a signed token. Both put a {@link dev.postern.Principal} on the exchange, answer 401
 * with one and the same body whatever was wrong, and never show a credential in a log, an exception or a string.
 */
@NullMarked
package dev.postern.security;

import org.jspecify.annotations.NullMarked;
