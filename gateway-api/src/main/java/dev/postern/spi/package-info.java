/** What an engine behind the API implements. A host application does not need this package. */
@NullMarked
package dev.postern.spi;

import org.jspecify.annotations.NullMarked;
