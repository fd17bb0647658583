/** The way back: a response, whoever made it, becomes bytes for the client, complete or visibly incomplete. */
@NullMarked
package dev.postern.runtime.reply;

import org.jspecify.annotations.NullMarked;
