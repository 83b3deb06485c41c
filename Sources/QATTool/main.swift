import Foundation
import QATCommands

exit(CommandLineTool.run())
