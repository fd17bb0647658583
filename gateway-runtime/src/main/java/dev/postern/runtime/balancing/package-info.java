/** Which endpoint takes the next attempt, and what each endpoint is known to be worth. Plain Java: no Vert.x here. */
@NullMarked
package dev.postern.runtime.balancing;

import org.jspecify.annotations.NullMarked;
