/** Hand-moved time and stand-ins for testing filters without a gateway and without any test framework. */
@NullMarked
package dev.postern.testing;

import org.jspecify.annotations.NullMarked;
