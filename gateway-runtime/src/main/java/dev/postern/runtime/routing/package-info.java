/**
 * Decides which route takes a request, and what the route's rewrite or redirect makes of it. Routes are compiled once into
 * an immutable {@link dev.postern.runtime.routing.RoutingTable}: a table of hosts, a trie of path segments below each, and
 * at each end of the trie a list of the other conditions, most specific first.
 *
 * <p>Plain Java: no Vert.x, no clock of its own. Everything here is immutable once made and safe on any thread, except
 * where a type says otherwise.
 */
@NullMarked
package dev.postern.runtime.routing;

import org.jspecify.annotations.NullMarked;
