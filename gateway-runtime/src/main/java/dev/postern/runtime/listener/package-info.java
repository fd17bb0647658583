/** Where connections come in: bind, guard the bytes, hand decoded requests on. */
@NullMarked
package dev.postern.runtime.listener;

import org.jspecify.annotations.NullMarked;
